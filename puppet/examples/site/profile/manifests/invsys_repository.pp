# @summary Installs the packages from an apt repository instead of from files. For every host with a service.
#
# @param location
#   The URL of the repository.
# @param key
#   The public key of its signatures, as printed by gpg --armor --export.
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
