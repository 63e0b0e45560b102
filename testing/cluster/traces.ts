import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../parts/command.ts'
import { addressesOf } from './addresses.ts'

/** The namespaces of a process, each as the kernel names it, such as `net:[4026532265]`. */
export const namespacesOf = (pid: number): string[] =>
  ['net', 'mnt', 'pid', 'uts', 'ipc'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))

/**
 * Everything on this machine that belongs to a cluster: links, routes, groups, mounts, files, and processes in its namespaces.
 */
export async function tracesOf(index: number, folder: string, namespaces: readonly string[]): Promise<string[]> {
  const { bridge, name } = addressesOf(index)
  const links = linesWith(bridge, await runCommand('ip', ['-oneline', 'link']))
  const routes = linesWith(`10.${200 + index}.`, await runCommand('ip', ['route', 'show', 'table', 'all']))
  const mounts = linesWith(folder, readFileSync('/proc/self/mountinfo', 'utf8'))
  const groups = ['/sys/fs/cgroup', ...childrenOf('/sys/fs/cgroup')].flatMap(childrenOf).filter((path) => path.includes(name))
  const files = [folder, ...outside].filter((path) => existsSync(path))
  return [...links, ...routes, ...mounts, ...groups, ...files, ...processesIn(namespaces)]
}

/** The folders to which the Kubernetes programs write by default. */
const outside = [
  '/var/log/containers',
  '/var/log/pods',
  '/var/lib/cni',
  '/var/lib/kubelet',
  '/usr/libexec/kubernetes',
  '/etc/kubernetes',
]

const linesWith = (word: string, text: string): string[] => text.split('\n').filter((line) => line.includes(word))

const childrenOf = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(path, entry.name)] : []))

const processesIn = (namespaces: readonly string[]): string[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => isIn(Number(pid), namespaces))
    .map((pid) => `process ${pid}`)

function isIn(pid: number, namespaces: readonly string[]): boolean {
  try {
    return namespacesOf(pid).some((each) => namespaces.includes(each))
  } catch {
    return false // it ended in the meantime
  }
}
