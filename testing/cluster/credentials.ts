import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import { Authority, type Identity, newKeyPair } from './certificates.ts'

/** The one who may do everything in a cluster, and how to reach its API server. */
export interface Admin extends Identity {
  server: string
  authority: string
}

/** Writes every key, certificate and kubeconfig a cluster of `nodes` nodes needs into `folder`. */
export function writeCredentials(folder: string, addresses: Addresses, nodes: number): Admin {
  const authority = new Authority({ name: addresses.name }, new Date())
  const write = (file: string, content: string) => writeFileSync(join(folder, file), content, { mode: 0o600 })
  const writeIdentity = (name: string, { key, certificate }: Identity) => {
    write(`${name}.key`, key)
    write(`${name}.crt`, certificate)
  }
  const api = addresses.node(0).address
  const server = `https://${api}:6443`
  const writeKubeconfig = (file: string, identity: Identity) =>
    write(file, JSON.stringify(kubeconfig(addresses.name, { ...identity, server, authority: authority.certificate })))

  write('ca.crt', authority.certificate)
  const tokens = newKeyPair()
  write('tokens.key', tokens.privateKey)
  write('tokens.pub', tokens.publicKey)
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  writeIdentity(
    'apiserver',
    authority.issue({ name: 'kube-apiserver' }, [...service, 'localhost', '127.0.0.1', addresses.apiService, api]),
  )
  writeIdentity('apiserver-kubelet', authority.issue({ name: 'kube-apiserver-kubelet', group: 'system:masters' }))
  for (const user of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy']) {
    writeKubeconfig(`${user}.conf`, authority.issue({ name: `system:${user}` }))
  }
  for (let index = 0; index < nodes; index++) {
    const { name } = addresses.node(index)
    writeKubeconfig(`${name}.conf`, authority.issue({ name: `system:node:${name}`, group: 'system:nodes' }))
  }
  const admin = authority.issue({ name: 'admin', group: 'system:masters' })
  writeKubeconfig('admin.conf', admin)
  return { ...admin, server, authority: authority.certificate }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const kubeconfig = (name: string, { server, authority, certificate, key }: Admin): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(authority) } }],
  users: [{ name, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
  contexts: [{ name, context: { cluster: name, user: name } }],
  'current-context': name,
})
