# @summary The content of an INI file: sections with keys.
#
# A value has one line; `~` (undef) is an empty value. The command of the service checks the sections, keys and values before
# the file is installed.
type Invsys::Sections = Hash[
  Pattern[/\A[A-Za-z][\w-]*\z/],
  Hash[
    Pattern[/\A[^\s=:;#\[][^=:\r\n]*\z/],
    Variant[Pattern[/\A[^\r\n]*\z/], Numeric, Boolean, Undef]
  ]
]
