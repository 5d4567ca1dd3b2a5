# @summary The gateway: package, settings, service.
#
# Its clients are none of Puppet's business: `invsys-gateway-manage client` makes, rotates and revokes them on the host,
# and a file that Puppet puts back would bring a revoked key to life again.
#
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`; the manual lists them all. They are
#   checked before they count.
# @param package_ensure
#   `installed`, `latest`, or a version that an apt repository has.
# @param package_source
#   A package's file on the host, to be installed instead. Its name has the version that is wanted.
#
# @example Two hosts behind it, in Hiera
#   invsys::gateway::settings:
#     services:
#       inventory: http://inventory1.example:5000, http://inventory2.example:5000
class invsys::gateway (
  Invsys::Settings $settings = {},
  String[1] $package_ensure = 'installed',
  Optional[Invsys::Deb] $package_source = undef,
) {
  $usual = { 'clients' => { 'file' => '/var/lib/invsys/clients.ini' } }

  invsys::service { 'invsys-gateway':
    service        => 'gateway',
    settings       => Sensitive(deep_merge($usual, $settings.unwrap)),
    database       => false,
    package_ensure => $package_ensure,
    package_source => $package_source,
  }
}
