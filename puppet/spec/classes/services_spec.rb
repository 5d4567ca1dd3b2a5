require 'spec_helper'

describe 'invsys::services' do
  it { is_expected.to compile.with_all_deps }
  it { is_expected.to have_invsys__service_resource_count(0) }

  context 'with a list in Hiera' do
    let(:facts) { { role: 'inventory' } }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_package('depot') }
    it { is_expected.to contain_file('/etc/invsys/depot.ini').with_content(sensitive(/^\[server\]\nport = 5002$/)) }
    it "writes the owner's URL for root only" do
      is_expected.to contain_file('/etc/invsys/depot.owner-url').with(
        mode: '0600', content: sensitive("postgresql://depot_owner:secret@database.example/depot\n")
      )
    end

    it { is_expected.to contain_file('/etc/invsys/yard.ini').with_content(sensitive(/yard\.log\n\z/)) }
  end
end
