import { describe, expect, test } from 'vitest';
import * as workflows from '../../src/workflows/index.ts';
import { createDataConverter } from '../../src/worker/data-converter.ts';
import { recordedHistories, replay, workflowOf } from '../support/histories.ts';
import { TEST_KEYS } from '../support/temporal.ts';

const histories = await recordedHistories();

describe('a change of the code leaves running workflows whole', () => {
  test.each(histories)('%s replays', async (name) => {
    await replay(name, createDataConverter(TEST_KEYS));
  });

  test('every workflow has a recorded history (AIRLOCK_RECORD_HISTORIES=1 npm test records what is missing)', () => {
    const recorded = new Set(histories.map(workflowOf));
    expect(Object.keys(workflows).filter((name) => !recorded.has(name))).toEqual([]);
  });
});
