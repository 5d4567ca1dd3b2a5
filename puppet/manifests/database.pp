# @summary PostgreSQL with the database of the inventory and its two roles, using puppetlabs-postgresql.
#
# Only this class needs that module. One role owns the tables and migrates them. The service uses the other one, which reads
# and writes rows and cannot change tables. Connections from other hosts need TLS and SCRAM-SHA-256.
#
# @param password
#   The password of the service's role, as in the inventory's `[database] url`.
# @param owner_password
#   The password of the owner, as in `invsys::owner_url`.
# @param user
#   The name of the service's role.
# @param owner
#   The name of the owner.
# @param database
#   The name of the database.
# @param clients
#   The networks of the inventory hosts, such as `192.0.2.0/24`. Not needed for connections from this host.
# @param listen_addresses
#   The names and addresses on which PostgreSQL listens, separated by commas, or `*`.
# @param certificate
#   The file of the server's certificate, which contains the host name of the inventory's `url`. By default the one that
#   Debian generates on each host.
# @param certificate_key
#   The file of its private key, which only the user `postgres` may be able to read.
# @param version
#   The major version of PostgreSQL; by default the one of the host's release of Debian, for which its
#   puppetlabs-postgresql has no default.
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

  # The inventory needs UTF-8, so encoding and locale do not depend on the host's.
  postgresql::server::database { $database:
    encoding => 'UTF8',
    locale   => 'C.UTF-8',
    template => 'template0',
  }

  # PostgreSQL hashes the passwords itself, because the puppetlabs-postgresql of Debian 12 supports only MD5.
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

  # done.sql contains the last script that succeeded, so Puppet runs a failed script again.
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
