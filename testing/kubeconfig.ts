import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshFolder } from './fresh-folder.ts'

/** Writes a kubeconfig for a server that asks for no credentials, and returns its path. */
export function kubeconfigFor(server: string, namespace?: string): string {
  const file = join(freshFolder(), 'kubeconfig')
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x', users: [{ name: 'x', user: {} }] },
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x', ...(namespace && { namespace }) } }],
    clusters: [{ name: 'x', cluster: { server } }],
  }
  writeFileSync(file, JSON.stringify(config))
  return file
}
