import { Migration } from '@mikro-orm/migrations';

/** Signing keys know the bounds that their account-keys are to have. */
export class LibSqlKeyBounds extends Migration {
  override up(): void {
    this.addSql('alter table `signing_key` add column `bounds` json null');
  }
}
