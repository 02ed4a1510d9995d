import { quoted } from '../errors.ts';
import { flag, fullText, instant, oneOf, positive, refuse, texts } from '../header-rules.ts';
import { isSnapName } from '../name-patterns.ts';
import { defineType } from '../type-rules.ts';
import { requireAuthorityIs } from './shared.ts';

const MODES = ['run', 'recover'];
const BASES_WITHOUT_RECOVERY = ['core', 'core16', 'core18'];

export const repair = defineType({
  name: 'repair',
  primaryKey: ['brand-id', 'repair-id'],
  sequenceForming: true,
  timestamped: true,
  check(draft) {
    requireAuthorityIs(draft, 'brand-id');
    positive(draft, 'repair-id');
    if (/[\n\r]/.test(fullText(draft, 'summary'))) refuse('"summary" header has more than one line');
    for (const header of ['series', 'models', 'architectures']) texts(draft, header);
    const modes = texts(draft, 'modes');
    for (const mode of modes) oneOf(mode, MODES, '"modes" header');
    for (const base of texts(draft, 'bases')) {
      if (!isSnapName(base)) refuse(`"bases" header has an invalid snap name: ${quoted(base)}`);
      if (modes.length > 0 && BASES_WITHOUT_RECOVERY.includes(base)) {
        refuse(`"bases" header has ${base}, which has no recovery modes, beside "modes"`);
      }
    }
    flag(draft, 'disabled');
    instant(draft, 'timestamp');
  },
});
