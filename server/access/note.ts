/** Where decisions are written down that no change goes with. */
import type { AuditEvent } from '../audit/audit-row.ts'

/** Never throws, and is not waited for. */
export type Note = (event: AuditEvent) => void

export const noNote: Note = () => {}
