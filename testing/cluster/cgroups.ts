import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = '/sys/fs/cgroup'

/** After SIGKILL a process is still in its group for a moment. */
const REMOVE_DEADLINE_MS = 5_000

/**
 * The CPU weight of a node's group, in either version: ten times the default, so that a busy machine does not starve its pods.
 */
const WEIGHTS = [
  ['cpu.shares', '10240'],
  ['cpu.weight', '1000'],
] as const

/** Where groups can be created: in the one tree of version 2, or in each controller's tree of version 1. */
const trees = (): string[] =>
  existsSync(join(ROOT, 'cgroup.controllers'))
    ? [ROOT]
    : readdirSync(ROOT, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(ROOT, name))

/** Creates a control group of this name for a node's pods in every tree in which the kubelet looks for it. */
export function makeCgroup(name: string): void {
  for (const tree of trees()) {
    const group = join(tree, name)
    mkdirSync(group, { recursive: true })
    // Version 1: no process can enter a group before its processors and memory nodes are set.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = join(tree, file)
      if (existsSync(inherited) && existsSync(join(group, 'cpuset.clone_children')))
        writeFileSync(join(group, file), readFileSync(inherited))
    }
    // By default all pods of a node together would get no more processor time than one process of this machine.
    for (const [file, shares] of WEIGHTS) if (existsSync(join(group, file))) writeFileSync(join(group, file), shares)
    // Version 2: children of a group have only the controllers that are listed in its `cgroup.subtree_control`.
    if (existsSync(join(group, 'cgroup.subtree_control'))) delegate(tree, group)
  }
}

function delegate(tree: string, group: string): void {
  const controllers = readFileSync(join(tree, 'cgroup.controllers'), 'utf8').trim()
  if (controllers === '') return
  const all = controllers.split(' ').map((controller) => `+${controller}`)
  for (const file of [tree, group]) writeFileSync(join(file, 'cgroup.subtree_control'), all.join(' '))
}

/** Removes a control group with everything below it, once its last process is gone. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = Date.now() + REMOVE_DEADLINE_MS
  for (const group of trees().map((tree) => join(tree, name))) {
    while (existsSync(group) && !removed(group) && Date.now() < deadline) await sleep(50)
  }
}

/** Depth first, because only an empty group can be removed. */
function removed(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) removed(join(group, entry.name))
    rmdirSync(group)
    return true
  } catch {
    return false
  }
}
