# @summary What an INI file holds: sections, each with its keys.
#
# A value stands on one line; `~` (undef) is an empty one. Which sections, keys and values there are is the service's to
# know: its own command checks them, before the file is put in place.
type Invsys::Sections = Hash[
  Pattern[/\A[A-Za-z][\w-]*\z/],
  Hash[
    Pattern[/\A[^\s=:;#\[][^=:\r\n]*\z/],
    Variant[Pattern[/\A[^\r\n]*\z/], Numeric, Boolean, Undef]
  ]
]
