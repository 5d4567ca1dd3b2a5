# @summary PostgreSQL with the inventory's database and its two roles, by puppetlabs-postgresql.
#
# Only this class needs that module. One role owns the tables and migrates them, the other one is the service's: it reads
# and writes rows and cannot change tables. Connections from other hosts need TLS and SCRAM-SHA-256.
#
# @param password
#   The password of the service's role: the one in the inventory's `[database] url`.
# @param owner_password
#   The owner's password: the one in `invsys::owner_url`.
# @param user
#   The name of the service's role.
# @param owner
#   The owner's name.
# @param database
#   The database's name.
# @param clients
#   The networks of the hosts of the inventory, such as `192.0.2.0/24`; this host needs none.
# @param listen_addresses
#   Where PostgreSQL listens: names and addresses, with commas between, or `*`.
# @param certificate
#   The file of the server's certificate, which names the host as the inventory's `url` does. By default the one that
#   Debian makes for each host.
# @param certificate_key
#   The file of its key, which only the user `postgres` may read.
# @param version
#   The major version of PostgreSQL; by default the one of the host's Debian. It is always passed on, because the
#   puppetlabs-postgresql of each Debian has no default for that Debian.
class invsys::database (
  Sensitive[Pattern[/\A[^\r\n]+\z/]] $password,
  Sensitive[Pattern[/\A[^\r\n]+\z/]] $owner_password,
  String[1] $user = 'invsys',
  String[1] $owner = 'invsys_owner',
  String[1] $database = 'invsys',
  Array[Variant[Stdlib::IP::Address::V4::CIDR, Stdlib::IP::Address::V6::CIDR]] $clients = [],
  String[1] $listen_addresses = 'localhost',
  Stdlib::Absolutepath $certificate = '/etc/ssl/certs/ssl-cert-snakeoil.pem',
  Stdlib::Absolutepath $certificate_key = '/etc/ssl/private/ssl-cert-snakeoil.key',
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

  $tls = { 'ssl' => 'on', 'ssl_cert_file' => $certificate, 'ssl_key_file' => $certificate_key }
  $tls.each |$setting, $value| {
    postgresql::server::config_entry { $setting:
      value => $value,
    }
  }

  # Encoding and locale, whatever the host's are: the inventory needs UTF-8.
  postgresql::server::database { $database:
    encoding => 'UTF8',
    locale   => 'C.UTF-8',
    template => 'template0',
  }

  # PostgreSQL hashes the passwords itself: the puppetlabs-postgresql of Debian 12 knows MD5 only.
  $folder = '/var/lib/postgresql/invsys'
  $roles = { 'owner' => $owner, 'service' => $user, 'owner_password' => $owner_password, 'service_password' => $password }

  file {
    default:
      owner => 'postgres',
      group => 'postgres',
      mode  => '0600',
      ;
    $folder:
      ensure  => directory,
      mode    => '0700',
      require => Class['postgresql::server'],
      ;
    "${folder}/roles.sql":
      content => file('invsys/roles.sql'),
      ;
    "${folder}/make_roles.sql":
      content   => Sensitive(epp('invsys/make_roles.sql.epp', { 'variables' => $roles })),
      show_diff => false,
      backup    => false,
      ;
  }

  # What was carried out last stands beside it, so that an attempt that failed is made again.
  -> exec { "roles of ${database}":
    command => "psql --no-psqlrc --quiet --dbname=${database} --file=make_roles.sql && cat make_roles.sql roles.sql > done.sql",
    unless  => 'cat make_roles.sql roles.sql | cmp --silent - done.sql',
    cwd     => $folder,
    user    => 'postgres',
    umask   => '077',
    path    => $facts['path'],
    require => Postgresql::Server::Database[$database],
  }

  $clients.each |$network| {
    postgresql::server::pg_hba_rule { "${database} from ${network}":
      type        => 'hostssl',
      database    => $database,
      user        => "${user},${owner}",
      address     => $network,
      auth_method => 'scram-sha-256',
    }
  }
}
