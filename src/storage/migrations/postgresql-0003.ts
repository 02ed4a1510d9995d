import { Migration } from '@mikro-orm/migrations';

/** Signing keys know the HSM token that holds them; those made before are on the default token. */
export class PostgreSqlTokens extends Migration {
  override up(): void {
    this.addSql('alter table "signing_key" add column "token" varchar(32) not null default \'default\'');
  }
}
