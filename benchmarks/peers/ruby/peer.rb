# Sidekiq: `sidekiq -r ./peer.rb`, or `ruby feed.rb FILE`.
require "json"
require "pg"
require "sidekiq"

BROKER = { url: ENV.fetch("PEER_BROKER_URL") }.freeze
Sidekiq.configure_client { |config| config.redis = BROKER }
Sidekiq.configure_server { |config| config.redis = BROKER }
Sidekiq.logger.level = Logger::WARN

# The lock, the check and the ledger entry in one transaction, as with_lock does it.
class Deduct
  include Sidekiq::Job
  sidekiq_options queue: "default", retry: 3

  def perform(operation, account_id)
    database.transaction do |connection|
      row = connection.exec_prepared("lock", [account_id])[0]
      paid = row["credits"].to_i.positive? ? 1 : 0
      connection.exec_prepared("pay", [account_id]) if paid == 1
      connection.exec_prepared("write", [operation, account_id, -paid])
    end
  end

  private

  def database
    Thread.current[:database] ||= PG.connect(ENV.fetch("DATABASE_URL")).tap do |connection|
      connection.prepare("lock", "SELECT credits FROM work_account WHERE id = $1 FOR NO KEY UPDATE")
      connection.prepare("pay", "UPDATE work_account SET credits = credits - 1 WHERE id = $1")
      connection.prepare("write", "INSERT INTO work_entry (operation, account_id, amount) VALUES ($1, $2, $3)")
    end
  end
end
