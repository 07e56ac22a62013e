# Sidekiq: `sidekiq -r ./peer.rb`, or `ruby feed.rb FILE`.
require "json"
require "pg"
require "sidekiq"

BROKER = { url: ENV.fetch("PEER_BROKER_URL") }.freeze
Sidekiq.configure_client { |config| config.redis = BROKER }
Sidekiq.configure_server { |config| config.redis = BROKER }
Sidekiq.logger.level = Logger::WARN

EFFECT = <<~SQL
  WITH paid AS (
    UPDATE work_account SET credits = credits - 1 WHERE id = $2 AND credits > 0 RETURNING id
  )
  INSERT INTO work_entry (operation, account_id, amount)
  SELECT $1::uuid, $2, -(SELECT count(*) FROM paid)
SQL

# The check, the deduction and the ledger entry in one statement, prepared for each thread.
class Deduct
  include Sidekiq::Job
  sidekiq_options queue: "default", retry: 3

  def perform(operation, account_id)
    database.exec_prepared("deduct", [operation, account_id])
  end

  private

  def database
    Thread.current[:database] ||= PG.connect(ENV.fetch("DATABASE_URL")).tap do |connection|
      connection.prepare("deduct", EFFECT)
    end
  end
end
