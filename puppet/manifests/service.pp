# @summary A service of InvSys: its package, settings and unit.
#
# The title is the name of the package and of the unit; the command is `/usr/bin/TITLE-manage`.
#
# The order is package, settings, service (`invsys::unit`), because a command of the package checks the settings.
#
# @param service
#   The name in its paths: `/etc/invsys/SERVICE.ini`, `/var/log/invsys/SERVICE/SERVICE.log`, `/var/lib/invsys/SERVICE.sqlite3`.
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`.
# @param database
#   Whether the service has a database, which is migrated before new settings take effect.
# @param owner_url
#   The URL for the migrations on PostgreSQL. Its role owns the tables; the one in `settings` does not. The URL is written to
#   `/etc/invsys/TITLE.owner-url`, which only root can read.
# @param package_ensure
#   `installed`, `latest`, or a version from an apt repository.
# @param package_source
#   The path of a package on the host, which is installed instead. Its name contains the version.
# @param ensure
#   Whether the service runs.
#
# @example
#   invsys::service { 'depot':
#     settings => { 'server' => { 'port' => 5002 } },
#   }
define invsys::service (
  Pattern[/\A[a-z][a-z0-9-]*\z/] $service = $title,
  Invsys::Settings $settings = {},
  Boolean $database = true,
  Optional[Sensitive[Pattern[/\A[^\r\n]+\z/]]] $owner_url = undef,
  String[1] $package_ensure = 'installed',
  Optional[Invsys::Deb] $package_source = undef,
  Enum['running', 'stopped'] $ensure = 'running',
) {
  $ini = "/etc/invsys/${service}.ini"

  # The same as in the file of the package.
  $log = { 'log' => { 'file' => "/var/log/invsys/${service}/${service}.log" } }
  $defaults = $database ? {
    true    => $log + { 'database' => { 'url' => "sqlite:////var/lib/invsys/${service}.sqlite3" } },
    default => $log,
  }

  # With "installed", apt would keep any installed version; so the version is taken from the name of the file.
  $version = $package_source ? {
    undef   => $package_ensure,
    default => $package_source.match(/_([^_]+)_[^_]+\z/)[1],
  }

  # Without the mask, the package would start the service with its default settings, on a different database.
  exec { "mask ${title}":
    command => "systemctl mask ${title}.service",
    path    => $facts['path'],
    creates => $ini,
  }

  -> package { $title:
    ensure => $version,
    source => $package_source,
  }

  invsys::unit { $title:
    ensure    => $ensure,
    package   => $title,
    ini       => $ini,
    sections  => Sensitive(deep_merge($defaults, $settings.unwrap)),
    database  => $database,
    owner_url => $owner_url,
  }
}
