import type { SnapYaml } from './snap-yaml.ts';

/** What a snap.yaml says of its revision, in the form in which rows and manifests keep it. */
export function revisionFacts(yaml: SnapYaml) {
  return {
    version: yaml.version,
    type: yaml.type,
    architectures: [...yaml.architectures],
    base: yaml.base ?? null,
    confinement: yaml.confinement,
    grade: yaml.grade,
    provenance: yaml.provenance,
    epoch: { read: [...yaml.epoch.read], write: [...yaml.epoch.write] },
  };
}
