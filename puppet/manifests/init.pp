# @summary The inventory: package, settings, service.
#
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`; the manual lists them all. They are
#   checked before they count, and the database that they name is migrated unless `migrate_on_install` is `no`.
# @param package_ensure
#   `installed`, `latest`, or a version that an apt repository has.
# @param package_source
#   A package's file on the host, to be installed instead. Its name has the version that is wanted.
#
# @example On PostgreSQL, in Hiera
#   invsys::settings:
#     database:
#       url: postgresql://invsys:secret@database.example/invsys
class invsys (
  Invsys::Settings $settings = {},
  String[1] $package_ensure = 'installed',
  Optional[Invsys::Deb] $package_source = undef,
) {
  invsys::service { 'invsys':
    service        => 'inventory',
    settings       => $settings,
    package_ensure => $package_ensure,
    package_source => $package_source,
  }
}
