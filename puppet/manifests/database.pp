# @summary PostgreSQL with the inventory's database and its owner, by puppetlabs-postgresql.
#
# Only this class needs that module.
#
# @param password
#   The owner's password: the one in the inventory's `[database] url`.
# @param user
#   The owner's name.
# @param database
#   The database's name.
# @param clients
#   The networks of the hosts of the inventory, such as `192.0.2.0/24`; this host needs none.
# @param listen_addresses
#   Where PostgreSQL listens: names and addresses, with commas between, or `*`.
# @param version
#   The major version of PostgreSQL; by default the one of the host's Debian. It is always passed on, because the
#   puppetlabs-postgresql of each Debian has no default for that Debian.
class invsys::database (
  Sensitive[String[1]] $password,
  String[1] $user = 'invsys',
  String[1] $database = 'invsys',
  Array[Variant[Stdlib::IP::Address::V4::CIDR, Stdlib::IP::Address::V6::CIDR]] $clients = [],
  String[1] $listen_addresses = 'localhost',
  String[1] $version = $facts['os']['release']['major'] ? {
    '12' => '15',
    '13' => '17',
  },
) {
  class { 'postgresql::globals':
    version             => $version,
    manage_package_repo => false,
  }

  class { 'postgresql::server':
    listen_addresses => $listen_addresses,
  }
  contain postgresql::server

  # Encoding and locale, whatever the host's are: the inventory needs UTF-8.
  postgresql::server::db { $database:
    user     => $user,
    password => postgresql::postgresql_password($user, $password.unwrap),
    owner    => $user,
    encoding => 'UTF8',
    locale   => 'C.UTF-8',
  }

  $clients.each |$network| {
    postgresql::server::pg_hba_rule { "${user} from ${network}":
      type        => 'host',
      database    => $database,
      user        => $user,
      address     => $network,
      auth_method => 'md5',
    }
  }
}
