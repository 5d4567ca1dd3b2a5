require 'spec_helper'

describe 'invsys::database' do
  let(:facts) { { role: 'inventory' } }
  let(:params) { { clients: ['192.0.2.0/24'], listen_addresses: '*' } }

  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_package('postgresql-server').with_name("postgresql-#{RELEASE[:postgresql]}") }

  it 'makes a database that its owner can migrate' do
    is_expected.to contain_postgresql__server__db('invsys').with(
      user: 'invsys', owner: 'invsys', encoding: 'UTF8', locale: 'C.UTF-8'
    )
  end

  # Debian 12's puppetlabs-postgresql hashes with MD5, Debian 13's with SCRAM.
  it 'gives the owner the password, hashed' do
    is_expected.to contain_postgresql__server__db('invsys').with_password(
      /\A(?:md5#{Digest::MD5.hexdigest('secretinvsys')}|SCRAM-SHA-256\$4096:[\w+\/=]+\$[\w+\/=]+:[\w+\/=]+)\z/
    )
  end

  it { is_expected.to contain_postgresql__server__pg_hba_rule('invsys from 192.0.2.0/24').with_database('invsys') }

  context 'on an unsupported release' do
    let(:facts) { super().merge(os: { 'family' => 'Debian', 'name' => 'Debian', 'release' => { 'major' => '99' } }) }

    it { is_expected.to compile.and_raise_error(/No matching entry for selector parameter with value '99'/) }
  end

  context 'with a password that reports would show' do
    let(:params) { { password: 'secret' } }

    it { is_expected.to compile.and_raise_error(/password.*expects a Sensitive/) }
  end
end
