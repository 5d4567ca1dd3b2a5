require 'spec_helper'

describe 'invsys::database' do
  let(:facts) { { role: 'inventory' } }
  let(:params) { { clients: ['192.0.2.0/24'], listen_addresses: '*' } }

  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_package('postgresql-server').with_name("postgresql-#{RELEASE[:postgresql]}") }

  it 'creates the database in UTF-8' do
    is_expected.to contain_postgresql__server__database('invsys').with(
      encoding: 'UTF8', locale: 'C.UTF-8', template: 'template0'
    )
  end

  it 'runs the script that creates the roles until it has succeeded' do
    folder = '/var/lib/postgresql/invsys'
    is_expected.to contain_file("#{folder}/roles.sql").with_content(/^GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES/)
    is_expected.to contain_file("#{folder}/make_roles.sql").with(
      owner: 'postgres', mode: '0600', show_diff: false, backup: false, content: sensitive(<<~'SQL')
        \set owner 'invsys_owner'
        \set service 'invsys'
        \set owner_password 'it\'s a secret\\'
        \set service_password 'secret'
        \ir roles.sql
      SQL
    )
    is_expected.to contain_exec('roles of invsys').with(
      user: 'postgres', cwd: folder, unless: 'cat make_roles.sql roles.sql | cmp --silent - done.sql'
    ).that_requires(['Postgresql::Server::Database[invsys]', "File[#{folder}/make_roles.sql]"])
  end

  it 'has passwords only in parameters that reports do not show' do
    visible = catalogue.resources.flat_map do |resource|
      names = resource.to_hash.select { |_, value| value.to_s.include?('secret') }.keys - resource.sensitive_parameters
      names.map { |name| "#{resource}: #{name}" }
    end
    expect(visible).to be_empty
  end

  it 'accepts other hosts only with TLS and SCRAM' do
    is_expected.to contain_postgresql__server__pg_hba_rule('invsys from 192.0.2.0/24').with(
      type: 'hostssl', database: 'invsys', user: 'invsys,invsys_owner', auth_method: 'scram-sha-256'
    )
    is_expected.to contain_postgresql__server__config_entry('ssl').with_value('on')
    is_expected.to contain_postgresql__server__config_entry('ssl_cert_file').with_value(/snakeoil\.pem\z/)
  end

  context 'on an unsupported release' do
    let(:facts) { super().merge(os: { 'family' => 'Debian', 'name' => 'Debian', 'release' => { 'major' => '99' } }) }

    it { is_expected.to compile.and_raise_error(/No matching entry for selector parameter with value '99'/) }
  end

  context 'with a password that is not sensitive' do
    let(:params) { { password: 'secret' } }

    it { is_expected.to compile.and_raise_error(/password.*expects a Sensitive/) }
  end
end
