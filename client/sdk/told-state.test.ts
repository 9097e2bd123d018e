import { describe, expect, test } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import type { CheckedMessage } from '../../shared/protocol.ts'
import { ToldState } from './told-state.ts'

const checked = (more: Partial<CheckedMessage>): CheckedMessage => ({
  type: 'weft.checked',
  id: 1,
  result: 'same',
  ...more,
})

function harness() {
  const heard: string[] = []
  const told = new ToldState({
    onAccess: (access, error) => heard.push(`${access} ${error?.code ?? ''}`.trim()),
    onStore: state => heard.push(state),
  })
  told.began('write')
  return { told, heard }
}

describe('[C23] what the server has said', () => {
  test('a message about the store that was lost is made good by the next check', () => {
    const { told, heard } = harness()
    told.checked(checked({ saving: 'failing' }))
    expect(told.isStoring).toBe(false)
    told.checked(checked({ saving: 'failing' }))
    told.checked(checked({ saving: 'ok' }))
    expect(heard).toEqual(['failing', 'ok'])
  })

  test('so is one about access, with its reason, and once', () => {
    const { told, heard } = harness()
    const error = new WeftError('FORBIDDEN', 'a viewer').toWire()
    told.checked(checked({ access: 'read', error }))
    told.checked(checked({ access: 'read', error }))
    told.checked(checked({ access: 'write' }))
    expect(heard).toEqual(['read FORBIDDEN', 'write'])
  })

  test('who was let in to read hears nothing new, until the schema is too new as well', () => {
    const { told, heard } = harness()
    told.began('read')
    told.checked(
      checked({ access: 'read', error: new WeftError('FORBIDDEN', 'a viewer').toWire() }),
    )
    expect(heard).toEqual([])
    const error = new WeftError('UPGRADE_REQUIRED', 'version 2').toWire()
    for (let i = 0; i < 2; i++) told.checked(checked({ access: 'read', error }))
    expect(heard).toEqual(['read UPGRADE_REQUIRED'])
  })

  test('a server of an earlier version says none of it, and nothing changes', () => {
    const { told, heard } = harness()
    told.saving('failing')
    told.checked(checked({}))
    expect(heard).toEqual(['failing'])
  })

  test('after a new hello the store works, unless it is said again', () => {
    const { told } = harness()
    told.saving('failing')
    told.began('write')
    expect(told.isStoring).toBe(true)
  })
})
