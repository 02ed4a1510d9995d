import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts the message and stack of a failure into a payload, so that the codec seals them too. Temporal loads this file by
 * path, into the worker and into the workflows' bundle.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
