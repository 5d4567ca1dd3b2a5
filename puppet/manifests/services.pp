# @summary Further services, baked from the template, as listed in `invsys::services` in Hiera.
#
# @param services
#   The parameters of each `invsys::service`, by name.
#
# @example A service named depot, in Hiera
#   invsys::services:
#     depot:
#       settings:
#         server: {port: 5002}
class invsys::services (
  Variant[Hash[String[1], Hash], Sensitive[Hash[String[1], Hash]]] $services = lookup(
    'invsys::services', { 'default_value' => {} }
  ),
) {
  $services.unwrap.each |$service, $parameters| {
    $sensitive = { 'settings' => {} } + $parameters.filter |$name, $_| { $name in ['settings', 'owner_url'] }

    invsys::service { $service:
      * => $parameters + Hash($sensitive.map |$name, $value| { [$name, Sensitive($value)] }),
    }
  }
}
