/** Held by whatever adds to, or takes from, what can be rolled back: each must find the one before it. */
export const IMPORTS_LOCK = 'imports';

/**
 * Held from the last look at files until rows name them, and from the last look at rows until files that none names are gone:
 * neither may come in between the two steps of the other.
 */
export const FILES_LOCK = 'import-files';
