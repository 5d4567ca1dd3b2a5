# @summary The settings and the unit of a service or of an instance; `invsys::service` and `invsys::instance` use it.
#
# The title is the name of the unit. A command of the package checks the settings before they are installed. New settings take
# effect after a reload, which loses no request; `[server]` needs a restart. Invalid settings are never installed: the run fails
# with the reason, the old file stays, and the service continues.
#
# @param package
#   The name of the package and of the user; the command is `/usr/bin/PACKAGE-manage`.
# @param ini
#   The path of the file with the settings.
# @param sections
#   All settings to write, as `{ section => { key => value } }`.
# @param database
#   Whether the service has a database, which is migrated before new settings take effect.
# @param owner_url
#   The URL for the migrations on PostgreSQL. Its role owns the tables; the one in `sections` does not. The URL is written to
#   `/etc/invsys/TITLE.owner-url`, which only root can read.
# @param ensure
#   Whether the service runs.
define invsys::unit (
  String[1] $package,
  Stdlib::Absolutepath $ini,
  Invsys::Settings $sections,
  Boolean $database = true,
  Optional[Sensitive[Pattern[/\A[^\r\n]+\z/]]] $owner_url = undef,
  Enum['running', 'stopped'] $ensure = 'running',
) {
  $command = "/usr/bin/${package}-manage -c %"
  $drop_ins = "/etc/systemd/system/${title}.service.d"
  $migrate = $database ? {
    true    => " && ${command} migrate --on-install",
    default => '',
  }

  if $owner_url {
    file { "/etc/invsys/${title}.owner-url":
      owner     => 'root',
      group     => 'root',
      mode      => '0600',
      content   => Sensitive("${owner_url.unwrap}\n"),
      show_diff => false,
      backup    => false,
      require   => Package[$package],
      before    => File[$ini],
    }
  }

  # chown, because the command reads the file as the user of the service. No backup, which would contain the passwords.
  file { $ini:
    owner        => $package,
    group        => 'root',
    mode         => '0640',
    content      => Sensitive(epp('invsys/ini.epp', { 'sections' => $sections.unwrap })),
    show_diff    => false,
    backup       => false,
    require      => Package[$package],
    validate_cmd => "/usr/bin/chown ${package} % && ${command} config > /dev/null${migrate}",
  }

  ~> exec { "reload ${title}":
    command     => "systemctl try-reload-or-restart ${title}.service",
    path        => $facts['path'],
    refreshonly => true,
  }

  # systemd ignores this section; it makes Puppet restart the service if settings change that a reload does not apply.
  -> file {
    $drop_ins:
      ensure => directory,
      ;
    "${drop_ins}/puppet.conf":
      content => epp('invsys/ini.epp', { 'sections' => { 'X-Settings' => pick($sections.unwrap['server'], {}) } }),
      ;
  }

  ~> service { $title:
    ensure => $ensure,
    enable => $ensure == 'running',
  }
}
