import { paddingAfter, TAR_BLOCK, tarChecksum } from './tar-header.ts';

/** The largest size that eleven octal digits hold. */
const OCTAL_MAX = 0o77777777777;

/** A plain file, as an archive of ours describes it. */
export interface TarFile {
  readonly name: string;
  readonly size: number;
  readonly modified: Date;
}

/** Zeros that fill a member's last block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array(paddingAfter(size));
}

/** Two empty blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK);

/**
 * The header of a plain file in POSIX ustar form. Names have up to 100 ASCII characters, which the layouts see to; a size that the
 * octal field cannot hold is given in base 256, as GNU tar and all who read its archives do.
 */
export function encodeTarHeader({ name, size, modified }: TarFile): Uint8Array {
  const block = Buffer.alloc(TAR_BLOCK);
  if (!/^[\x21-\x7e]{1,100}$/.test(name))
    throw new TypeError('internal error: a member name that a tar header cannot hold');
  block.write(name, 0, 'latin1');
  octal(block, 0o644, 100, 8);
  octal(block, 0, 108, 8);
  octal(block, 0, 116, 8);
  if (size <= OCTAL_MAX) octal(block, size, 124, 12);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(block, Math.floor(modified.getTime() / 1000), 136, 12);
  block.write('0', 156, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  octal(block, 0, 329, 8);
  octal(block, 0, 337, 8);
  block.write(`${tarChecksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A number in octal digits that fill the field but for the zero at its end. */
function octal(block: Buffer, value: number, at: number, width: number): void {
  block.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
}
