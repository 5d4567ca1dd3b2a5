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
# @param owner_url
#   The URL of the tables' owner, with which PostgreSQL is migrated. Only root can read it.
# @param database_ca
#   The certificate (PEM) of the authority that signed PostgreSQL's. It is put into `/etc/invsys/database-ca.pem`, for
#   `sslrootcert` in the URLs.
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
) {
  invsys::service { 'invsys':
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
