# Business rows in transactions of 1,000; the jobs are pushed after each commit.
require_relative "peer"

database = PG.connect(ENV.fetch("DATABASE_URL"))
JSON.parse(File.read(ARGV.fetch(0))).each_slice(1000) do |jobs|
  rows = jobs.map { |job| "('#{job.fetch('operation')}', #{Integer(job.fetch('account_id'))})" }
  database.transaction { |connection| connection.exec("INSERT INTO work_request VALUES #{rows.join(',')}") }
  Sidekiq::Client.push_bulk("class" => Deduct, "args" => jobs.map { |job| [job["operation"], job["account_id"]] })
end
