# The packages from an apt repository, instead of files: a profile for every host that has a service.
class profile::invsys_repository (
  Stdlib::HTTPSUrl $location,
  String[1] $key,
) {
  $keyring = '/etc/apt/keyrings/invsys.asc'

  file { $keyring:
    content => $key,
  }

  -> apt::source { 'invsys':
    location => $location,
    repos    => 'main',
    keyring  => $keyring,
  }

  Class['apt::update'] -> Invsys::Service <| |>
}
