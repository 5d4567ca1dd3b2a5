# @summary The gateway: package, settings, service.
#
# Puppet does not manage the clients: `invsys-gateway-manage client` adds, rotates and revokes them on the host, and a file
# restored by Puppet would make a revoked key valid again.
#
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`; the manual lists all settings. They
#   are checked before they take effect.
# @param package_ensure
#   `installed`, `latest`, or a version from an apt repository.
# @param package_source
#   The path of a package on the host, which is installed instead. Its name contains the version.
#
# @example Two inventory hosts, in Hiera
#   invsys::gateway::settings:
#     services:
#       inventory: http://inventory1.example:5000, http://inventory2.example:5000
class invsys::gateway (
  Invsys::Settings $settings = {},
  String[1] $package_ensure = 'installed',
  Optional[Invsys::Deb] $package_source = undef,
) {
  $defaults = { 'clients' => { 'file' => '/var/lib/invsys/clients.ini' } }

  invsys::service { 'invsys-gateway':
    service        => 'gateway',
    settings       => Sensitive(deep_merge($defaults, $settings.unwrap)),
    database       => false,
    package_ensure => $package_ensure,
    package_source => $package_source,
  }
}
