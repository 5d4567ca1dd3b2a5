# @summary The path of a package, named as dpkg-deb does: NAME_VERSION_ARCHITECTURE.deb.
type Invsys::Deb = Pattern[/\A\/(?:.*\/)?[a-z0-9][a-z0-9.+-]*_[0-9][A-Za-z0-9.+~-]*_[a-z0-9-]+\.deb\z/]
