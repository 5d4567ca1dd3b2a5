# @summary The settings of a service; Sensitive as a whole if one of them is, such as a password in a URL.
type Invsys::Settings = Variant[Invsys::Sections, Sensitive[Invsys::Sections]]
