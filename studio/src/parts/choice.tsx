/** @file One of several, by a list. */

export interface ChoiceProps<T extends string> {
  readonly title: string;
  readonly of: T;
  /** What can be chosen; with words of its own where its name is not what a person reads. */
  readonly all: readonly (T | readonly [name: T, words: string])[];
  readonly onChoose: (name: T) => void;
}

export function Choice<T extends string>({ title, of, all, onChoose }: ChoiceProps<T>) {
  return (
    <label class="choice">
      <span>{title}</span>
      <select value={of} onChange={(event) => onChoose(event.currentTarget.value as T)}>
        {all.map((one) => {
          const [name, words] = typeof one === "string" ? [one, one] : one;
          return (
            <option key={name} value={name}>
              {words}
            </option>
          );
        })}
      </select>
    </label>
  );
}
