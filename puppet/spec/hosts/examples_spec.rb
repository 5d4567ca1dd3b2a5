require 'spec_helper'

# Each host of the control repository in examples/.
%w[database.example inventory.example gateway.example all.example].each do |host|
  describe host, type: :host do
    let(:hiera_config) { File.join(EXAMPLES, 'hiera.yaml') }

    it { is_expected.to compile.with_all_deps }

    case host
    when 'database.example'
      it { is_expected.to contain_postgresql__server__pg_hba_rule('invsys from 192.0.2.0/24') }
      it { is_expected.to have_invsys__service_resource_count(0) }
    when 'inventory.example'
      it { is_expected.to have_invsys__service_resource_count(1) }
      it { is_expected.to contain_file('/etc/invsys/inventory.ini').with_content(sensitive(/^host = 192\.0\.2\.20$/)) }
    when 'gateway.example'
      it { is_expected.to have_invsys__service_resource_count(1) }
      it { is_expected.to contain_file('/etc/invsys/gateway.ini').with_content(sensitive(/^inventory = http:/)) }
    when 'all.example'
      it { is_expected.to contain_package('depot').with_ensure("0.1.0~deb#{MAJOR}") }
      it { is_expected.to contain_class('invsys::database').that_comes_before('Class[invsys]') }
      it { is_expected.to contain_file('/etc/invsys/gateway.ini').with_content(sensitive(%r{^/api/depots = depot$})) }
    end
  end
end

describe 'profile::invsys_repository', type: :class do
  let(:params) { { location: 'https://apt.example/', key: 'a key' } }
  let(:post_condition) { 'include invsys' }

  it { is_expected.to compile.with_all_deps }

  it 'installs the key and updates apt before a package is installed' do
    is_expected.to contain_apt__setting('list-invsys').with_content(
      %r{^deb \[signed-by=/etc/apt/keyrings/invsys\.asc\] https://apt\.example/ #{RELEASE[:codename]} main$}
    )
    is_expected.to contain_file('/etc/apt/keyrings/invsys.asc').that_comes_before('Apt::Source[invsys]')
    is_expected.to contain_class('apt::update').that_comes_before('Package[invsys]')
  end
end
