/** File systems of the tests' own: one that fills up, and one whose power can be cut. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'

const run = (command: string, ...args: readonly string[]) =>
  execFileSync(command, args, {
    stdio: 'pipe',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  })

export type SmallDisk = {
  readonly path: string
  resize(megabytes: number): void
  remove(): void
}

/** A disk in memory that has room for only so much. */
export function mountSmallDisk(megabytes: number): SmallDisk {
  const folder = temporaryFolder()
  const path = join(folder.path, 'disk')
  mkdirSync(path)
  run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path)
  return {
    path,
    resize: size => void run('mount', '-o', `remount,size=${size}m`, path),
    remove() {
      run('umount', '-l', path)
      folder.remove()
    },
  }
}

export type CuttableDisk = {
  readonly path: string
  /**
   * What would be left if the power went now: a copy of the backing file holds what was synced and
   * nothing of what the kernel still keeps in memory. Returns where the copy is mounted.
   */
  cut(): string
  remove(): void
}

/** ext4 on a file, so that "on the disk" can be told from "written". */
export function mountCuttableDisk(megabytes = 64): CuttableDisk {
  const folder = temporaryFolder()
  const image = join(folder.path, 'disk.img')
  const path = join(folder.path, 'disk')
  const mounted: string[] = []
  const mount = (file: string, at: string) => {
    mkdirSync(at, { recursive: true })
    run('mount', '-o', 'loop', file, at)
    mounted.push(at)
  }
  run('truncate', '-s', `${megabytes}M`, image)
  run('mkfs.ext4', '-q', '-F', image)
  mount(image, path)
  return {
    path,
    cut() {
      const copy = join(folder.path, `cut-${mounted.length}.img`)
      copyFileSync(image, copy)
      const at = join(folder.path, `cut-${mounted.length}`)
      mount(copy, at)
      return at
    },
    remove() {
      for (const at of mounted.toReversed()) run('umount', '-l', at)
      folder.remove()
    },
  }
}
