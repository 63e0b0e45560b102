import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import { BIN, type Machine, STATE } from './machine.ts'

/** Starts etcd and the API server in a machine. */
export function startApiServer(machine: Machine, addresses: Addresses): void {
  machine.launch(`${BIN}/etcd`, [
    `--data-dir=${STATE}/etcd`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=default=http://127.0.0.1:2380',
    // This cluster does not have to survive a power failure.
    '--unsafe-no-fsync',
  ])
  machine.launch(`${BIN}/kube-apiserver`, [
    '--etcd-servers=http://127.0.0.1:2379',
    '--secure-port=6443',
    `--advertise-address=${addresses.node(0).address}`,
    `--client-ca-file=${STATE}/ca.crt`,
    `--tls-cert-file=${STATE}/apiserver.crt`,
    `--tls-private-key-file=${STATE}/apiserver.key`,
    `--kubelet-client-certificate=${STATE}/apiserver-kubelet.crt`,
    `--kubelet-client-key=${STATE}/apiserver-kubelet.key`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${STATE}/tokens.pub`,
    `--service-account-signing-key-file=${STATE}/tokens.key`,
    `--service-cluster-ip-range=${addresses.services}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
  ])
}

/** Starts the controllers, the scheduler and the name server; the API server must answer already. */
export function startControllers(machine: Machine, addresses: Addresses, folder: string): void {
  const conf = `${STATE}/kube-controller-manager.conf`
  machine.launch(`${BIN}/kube-controller-manager`, [
    `--kubeconfig=${conf}`,
    `--authentication-kubeconfig=${conf}`,
    `--authorization-kubeconfig=${conf}`,
    `--root-ca-file=${STATE}/ca.crt`,
    `--service-account-private-key-file=${STATE}/tokens.key`,
    '--use-service-account-credentials',
    `--service-cluster-ip-range=${addresses.services}`,
    '--leader-elect=false',
    // It creates the default folder at start, on the disk of the real machine.
    `--flex-volume-plugin-dir=${STATE}/volume-plugins`,
    // A node that lost its power becomes NotReady after 10 seconds instead of 50.
    '--node-monitor-grace-period=10s',
  ])
  machine.launch(`${BIN}/kube-scheduler`, [`--kubeconfig=${STATE}/kube-scheduler.conf`, '--leader-elect=false'])
  mkdirSync(join(folder, 'dns'))
  writeFileSync(join(folder, 'dns', 'Corefile'), corefile(addresses))
  machine.launch(`${BIN}/coredns`, ['-conf', `${STATE}/dns/Corefile`])
}

const corefile = (addresses: Addresses): string => `.:53 {
  bind ${addresses.node(0).address}
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${STATE}/admin.conf ${addresses.name}
    pods insecure
    ttl 5
  }
  cache 5
}
`
