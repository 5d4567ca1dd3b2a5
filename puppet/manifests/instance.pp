# @summary The inventory of one of several fleets: settings and units of an instance, with a database of its own.
#
# The title is the name of the fleet, as in `[fleets]` of the gateway. The unit is `invsys@TITLE.service`. The package, its user and
# its command are those of the class `invsys`, whose own inventory `invsys::ensure: stopped` turns off.
#
# Invalid settings are never installed, new ones take effect after a reload, and those of `[server]` after a restart
# (`invsys::unit`).
#
# @param settings
#   The settings that differ from the defaults, as `{ section => { key => value } }`. Each instance on a host needs its own
#   `[server] port`.
# @param owner_url
#   The URL for the migrations on PostgreSQL. It is written to `/etc/invsys/invsys@TITLE.owner-url`, which only root can read.
#
# @example Two fleets on one host
#   invsys::instance { 'north':
#     settings => { 'server' => { 'port' => 5010 } },
#   }
#   invsys::instance { 'south':
#     settings => { 'server' => { 'port' => 5011 } },
#   }
define invsys::instance (
  Invsys::Settings $settings = {},
  Optional[Sensitive[Pattern[/\A[^\r\n]+\z/]]] $owner_url = undef,
) {
  assert_type(Pattern[/\A[a-z0-9][a-z0-9-]{0,62}\z/], $title)
  include invsys

  $unit = "invsys@${title}"
  $defaults = {
    'log'      => { 'file' => "/var/log/invsys/inventory-${title}/inventory.log" },
    'database' => { 'url' => "sqlite:////var/lib/invsys/inventory-${title}.sqlite3" },
  }

  # The log exists before the first start, because the command that checks the settings opens it.
  file { "/var/log/invsys/inventory-${title}":
    ensure  => directory,
    owner   => 'invsys',
    group   => 'invsys',
    mode    => '0750',
    require => Package['invsys'],
  }

  -> invsys::unit { $unit:
    package   => 'invsys',
    ini       => "/etc/invsys/inventory-${title}.ini",
    sections  => Sensitive(deep_merge($defaults, $settings.unwrap)),
    owner_url => $owner_url,
  }

  -> service { ["invsys-purge@${title}.timer", "invsys-archive@${title}.timer"]:
    ensure => running,
    enable => true,
  }
}
