require 'spec_helper'

describe 'invsys::database' do
  let(:facts) { { role: 'inventory' } }
  let(:params) { { clients: ['192.0.2.0/24'], listen_addresses: '*' } }

  it { is_expected.to compile.with_all_deps }
  it { is_expected.to contain_package('postgresql-server').with_name('postgresql-15') }

  it 'makes a database that its owner can migrate' do
    is_expected.to contain_postgresql__server__db('invsys').with(
      user: 'invsys', owner: 'invsys', encoding: 'UTF8', locale: 'C.UTF-8',
      password: "md5#{Digest::MD5.hexdigest('secretinvsys')}"
    )
  end

  it { is_expected.to contain_postgresql__server__pg_hba_rule('invsys from 192.0.2.0/24').with_database('invsys') }

  context 'with a password that reports would show' do
    let(:params) { { password: 'secret' } }

    it { is_expected.to compile.and_raise_error(/password.*expects a Sensitive/) }
  end
end
