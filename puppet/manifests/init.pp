# @summary The inventory: package, settings, service.
#
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`; the manual lists all settings. They
#   are checked before they take effect, and their database is migrated unless `migrate_on_install` is `no`.
# @param package_ensure
#   `installed`, `latest`, or a version from an apt repository.
# @param package_source
#   The path of a package on the host, which is installed instead. Its name contains the version.
#
# @param owner_url
#   The URL for the migrations on PostgreSQL, with the role that owns the tables. Only root can read it.
# @param database_ca
#   The certificate (PEM) of the authority that signed PostgreSQL's certificate. It is written to
#   `/etc/invsys/database-ca.pem`, for `sslrootcert` in the URLs.
# @param ensure
#   `stopped` if all fleets are instances (`invsys::instance`), and there is no inventory without a fleet.
#
# @example On PostgreSQL, in Hiera
#   invsys::settings:
#     database:
#       url: postgresql://invsys:secret@database.example/invsys?sslmode=verify-full&sslrootcert=/etc/invsys/database-ca.pem
class invsys (
  Invsys::Settings $settings = {},
  String[1] $package_ensure = 'installed',
  Optional[Invsys::Deb] $package_source = undef,
  Optional[Sensitive[Pattern[/\A[^\r\n]+\z/]]] $owner_url = undef,
  Optional[String[1]] $database_ca = undef,
  Enum['running', 'stopped'] $ensure = 'running',
) {
  invsys::service { 'invsys':
    ensure         => $ensure,
    service        => 'inventory',
    settings       => $settings,
    package_ensure => $package_ensure,
    package_source => $package_source,
    owner_url      => $owner_url,
  }

  if $database_ca {
    file { '/etc/invsys/database-ca.pem':
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => $database_ca,
      require => Package['invsys'],
      before  => File['/etc/invsys/inventory.ini'],
    }
  }
}
