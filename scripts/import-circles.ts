/** Finds imports that go round in a circle, those of types alone included. Pure: the graph is handed in. */

/** Files, and which of them each imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Every group of files that import each other round in a circle, each told as one such way, from its first file by name back
 * to it.
 */
export function circlesOf(graph: ImportGraph): readonly (readonly string[])[] {
  return groupsOf(graph)
    .filter((group) => group.length > 1)
    .map((group) => wayRound(graph, group.toSorted()))
    .toSorted((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}

/** The strongly connected groups of a graph (Tarjan). */
function groupsOf(graph: ImportGraph): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const groups: string[][] = [];
  const visit = (file: string): number => {
    const number = order.size;
    let low = number;
    order.set(file, number);
    open.push(file);
    isOpen.add(file);
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (isOpen.has(next)) low = Math.min(low, order.get(next) ?? number);
    }
    if (low !== number) return low;
    const group = open.splice(open.indexOf(file));
    for (const one of group) isOpen.delete(one);
    groups.push(group);
    return low;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return groups;
}

/** The shortest way from the first file of a group through the group and back. */
function wayRound(graph: ImportGraph, group: readonly string[]): readonly string[] {
  const [start = ''] = group;
  const inside = new Set(group);
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, start];
      if (!inside.has(next) || seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return group;
}
