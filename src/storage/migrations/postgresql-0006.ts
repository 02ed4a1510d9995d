import { Migration } from '@mikro-orm/migrations';

/** Promises of serials whose key cannot keep them any more are closed. */
export class PostgreSqlClosedPromises extends Migration {
  override up(): void {
    this.addSql('alter table "serial_intent" add column "closed_reason" varchar(32) null');
  }
}
