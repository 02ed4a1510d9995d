/** What a snap's publisher demands of uploads (seed 003: two factors, the credential and the signature). */
export interface BuildPolicy {
  /** `off`: none needed. `hold`: the revision waits for one. `reject`: an upload without one is refused. */
  readonly requirement: 'off' | 'hold' | 'reject';
  /** When set, only these keys count. */
  readonly keyIds?: readonly string[];
}

/** A snap-build assertion whose signature and key were verified, with the state of its key now. */
export interface SnapBuild {
  readonly authorityId: string;
  readonly snapId: string;
  readonly sha3_384: string;
  readonly size: number;
  readonly grade: 'stable' | 'devel';
  readonly timestamp: Date;
  readonly keyId: string;
  readonly keyRevoked: boolean;
}

/** The file that a build is to vouch for. */
export interface UploadedFile {
  readonly snapId: string;
  readonly sha3_384: string;
  readonly size: number;
}

/** Whether the builds at hand satisfy the policy, and if not, why not. */
export type BuildVerdict =
  | { readonly kind: 'satisfied'; readonly build: SnapBuild | undefined }
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string };

/**
 * Judges the builds that are known for a file. Of several, any one that holds is enough; when none does, the reason
 * says what is wrong with the best of them.
 *
 * @param publishers the accounts whose signature counts: the publisher and the snap's collaborators
 */
export function judgeBuilds(
  policy: BuildPolicy,
  file: UploadedFile,
  builds: readonly SnapBuild[],
  publishers: readonly string[],
): BuildVerdict {
  const judged = builds.map((build) => ({ build, objection: objectionTo(build, policy, file, publishers) }));
  const good = judged.find(({ objection }) => objection === undefined);
  if (good) return { kind: 'satisfied', build: good.build };
  if (policy.requirement === 'off') return { kind: 'satisfied', build: undefined };
  const reason =
    judged[0]?.objection ?? 'this snap needs a snap-build: run "snapcraft sign-build" on the file';
  return { kind: policy.requirement === 'hold' ? 'held' : 'rejected', reason };
}

/** Why a build does not vouch for a file, or undefined when it does. */
function objectionTo(
  build: SnapBuild,
  policy: BuildPolicy,
  file: UploadedFile,
  publishers: readonly string[],
): string | undefined {
  if (build.snapId !== file.snapId) return 'the snap-build is for another snap';
  if (build.sha3_384 !== file.sha3_384 || build.size !== file.size)
    return 'the snap-build is for another file';
  if (!publishers.includes(build.authorityId))
    return 'the snap-build is not signed by the publisher or a collaborator';
  if (build.keyRevoked) return `the snap-build is signed with the revoked key ${build.keyId}`;
  if (policy.keyIds && !policy.keyIds.includes(build.keyId)) {
    return `the snap-build is signed with the key ${build.keyId}, which the snap's policy does not allow`;
  }
  return undefined;
}
