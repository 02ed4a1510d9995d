/** A picture of a snap's page; where a size is not known, there is none. */
export interface SnapMedia {
  readonly type: string;
  readonly url: string;
  readonly width?: number;
  readonly height?: number;
}

/** Pictures with what is known of them and nothing else: no other field, and no size without a number. */
export function plainMedia(
  media: readonly {
    readonly type: string;
    readonly url: string;
    readonly width?: number | null | undefined;
    readonly height?: number | null | undefined;
  }[],
): SnapMedia[] {
  return media.map(({ type, url, width, height }) => ({
    type,
    url,
    ...(typeof width === 'number' ? { width } : {}),
    ...(typeof height === 'number' ? { height } : {}),
  }));
}
