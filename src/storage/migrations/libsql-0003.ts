import { Migration } from '@mikro-orm/migrations';

/** Signing keys know the HSM token that holds them; those made before are on the default token. */
export class LibSqlTokens extends Migration {
  override up(): void {
    this.addSql("alter table `signing_key` add column `token` text not null default 'default'");
  }
}
