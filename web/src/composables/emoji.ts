/** What is offered first. */
export const QUICK = ['👍', '❤️', '😂', '🎉', '😮', '😢'];

export const EMOJI: { name: string; list: string[] }[] = [
  { name: 'Faces', list: [...'😀😄😁😆😅🤣😂🙂😉😊😍🤩😘😋😜🤔🤨😐🙄😬😴🤯😎🥳😮😢😭😡🥺😱🤗🤫🫡'] },
  { name: 'Hands and hearts', list: [...'👍👎👌👏🙌🙏🤝💪👋🤞🫶👀', '❤️', ...'🧡💛💚💙💜🖤💔💯🔥'] },
  { name: 'Things', list: ['✅', '❌', '⚠️', '❓', '❗', ...'🎉🎂🎁🏆🚀💡🐛🔧📌📎📣', '☕', '🍵', ...'🍕🍺🌈', '☀️', ...'🌙🐱🐶🦊'] },
];
