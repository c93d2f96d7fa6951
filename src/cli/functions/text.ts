import type { LibraryUser, SurveyedLibrary } from './survey.ts';

/** What there is, for people: a paragraph a library. */
export function surveyText(libraries: readonly SurveyedLibrary[]): string {
  if (libraries.length === 0) return 'There are no function libraries of Freshet.';
  return libraries.map(libraryText).join('\n\n');
}

function libraryText({ name, bytes, views, isOwn, users }: SurveyedLibrary): string {
  const lines = [
    `${name}  ${Math.ceil(bytes / 1024)} KiB, ${isOwn ? 'of the definitions here' : 'of other definitions, or of another version of Freshet'}`,
    `  serves  ${views.join(', ')}`,
    ...(users.length === 0 ? ['  used    by no process that says so'] : users.map(userText)),
  ];
  return lines.join('\n');
}

function userText({ prefix, process }: LibraryUser): string {
  return `  used    ${describeUser({ prefix, process })}, since ${new Date(process.since).toISOString()}`;
}

/** A process in a few words. */
export function describeUser({ prefix, process: { pid, host } }: LibraryUser): string {
  return `by process ${pid} on ${host}, under the prefix ${prefix}`;
}
