# @summary The packages from an apt repository, instead of from files: for every host that has a service.
#
# @param location
#   The repository's URL.
# @param key
#   The public key that signs it, as gpg --armor --export writes it.
class profile::invsys_repository (
  String[1] $location,
  String[1] $key,
) {
  $keyring = '/etc/apt/keyrings/invsys.asc'

  file { $keyring:
    content => $key,
  }

  -> apt::source { 'invsys':
    location => $location,
    keyring  => $keyring,
  }

  Class['apt::update'] -> Invsys::Service <| |>
}
