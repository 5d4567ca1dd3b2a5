# @summary One service of the house: its package, its settings, its unit.
#
# The package and the unit have the title as their name, and `/usr/bin/TITLE-manage` is the command.
#
# Package, file, service, in this order, because the file is checked by the command that the package brings. New settings
# are in force after a reload, which loses no request; `[server]` needs a restart. What cannot be used is never put in
# place: the run fails with the reason, the old file stays, and the service goes on.
#
# @param service
#   The name of its files: `/etc/invsys/SERVICE.ini`, `/var/log/invsys/SERVICE/SERVICE.log`, `/var/lib/invsys/SERVICE.sqlite3`.
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`.
# @param database
#   Whether it has a database, which is migrated before new settings count.
# @param owner_url
#   The URL with which a PostgreSQL is migrated: its role owns the tables, and the one in `settings` does not. Only root can
#   read it, in `/etc/invsys/TITLE.owner-url`.
# @param package_ensure
#   `installed`, `latest`, or a version that an apt repository has.
# @param package_source
#   A package's file on the host, to be installed instead. Its name has the version that is wanted.
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
) {
  $command = "/usr/bin/${title}-manage"
  $ini = "/etc/invsys/${service}.ini"
  $drop_ins = "/etc/systemd/system/${title}.service.d"

  # As in the file that the package brings.
  $log = { 'log' => { 'file' => "/var/log/invsys/${service}/${service}.log" } }
  if $database {
    $usual = $log + { 'database' => { 'url' => "sqlite:////var/lib/invsys/${service}.sqlite3" } }
    $migrate = " && ${command} -c % migrate --on-install"
  } else {
    $usual = $log
    $migrate = ''
  }
  $sections = deep_merge($usual, $settings.unwrap)

  # apt takes a file that is there for installed, whichever version is: it has to be told the one that the file has.
  $ensure = $package_source ? {
    undef   => $package_ensure,
    default => $package_source.match(/_([^_]+)_[^_]+\z/)[1],
  }

  # The package would start it on its own settings, and so on another database than yours.
  exec { "mask ${title}":
    command => "systemctl mask ${title}.service",
    path    => $facts['path'],
    creates => $ini,
  }

  -> package { $title:
    ensure => $ensure,
    source => $package_source,
  }

  if $owner_url {
    file { "/etc/invsys/${title}.owner-url":
      owner     => 'root',
      group     => 'root',
      mode      => '0600',
      content   => Sensitive("${owner_url.unwrap}\n"),
      show_diff => false,
      backup    => false,
      require   => Package[$title],
      before    => File[$ini],
    }
  }

  # chown, because the command reads the file as the service's user. A copy among Puppet's would hold the passwords.
  file { $ini:
    owner        => $title,
    group        => 'root',
    mode         => '0640',
    content      => Sensitive(epp('invsys/ini.epp', { 'sections' => $sections })),
    show_diff    => false,
    backup       => false,
    require      => Package[$title],
    validate_cmd => "/usr/bin/chown ${title} % && ${command} -c % config > /dev/null${migrate}",
  }

  ~> exec { "reload ${title}":
    command     => "systemctl try-reload-or-restart ${title}.service",
    path        => $facts['path'],
    refreshonly => true,
  }

  # systemd leaves such a section alone; it is here so that Puppet sees what only a restart brings into force.
  -> file {
    $drop_ins:
      ensure => directory,
      ;
    "${drop_ins}/puppet.conf":
      content => epp('invsys/ini.epp', { 'sections' => { 'X-Settings' => pick($sections['server'], {}) } }),
      ;
  }

  ~> service { $title:
    ensure => running,
    enable => true,
  }
}
