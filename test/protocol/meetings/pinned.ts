/** The first messages of a meeting: pinned.test.ts says who joins and leaves, and with which keys. */
export interface PinnedRekey {
  readonly token: string;
  /** Placements by name. */
  readonly boxes: Readonly<Record<string, string>>;
  /** The epoch's key, hex. */
  readonly key: string;
}

export const PINNED: readonly PinnedRekey[] = [
  {
    token: [
      'eyJhbGciOiJFZDI1NTE5IiwidHlwIjoibWVldGluZy1yZWtleStqd3QiLCJraWQiOiJWbkpMWVB4VGFsbXpBOTlXcXdMMU9VV0Nn',
      'ODVSZWFmdFliVmF4UjVISGpZIn0.eyJ2IjoxLCJpc3MiOiJodHRwczovL2JyaWRnZS5hY21lLmV4YW1wbGUiLCJzdWIiOiJzdWIt',
      'YWxpY2UiLCJncm91cCI6IjFyNDE0UUs2a2hpa19oV21UMkNCTmlYWXcybnN0dzBBUXF4b2lwVTYwNmciLCJ0ZXJtIjoxLCJlcG9j',
      'aCI6MSwicHJldiI6bnVsbCwibWVtYmVycyI6IkFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEiLCJs',
      'ZXZlbHMiOjAsImNoYWxsZW5nZSI6Ii1rV2FZT2hMWEU0ZXNQOXI4dE5QRnRyQl9iXzRyODJYOTYybzJpM2hjM0kiLCJrZXlfaWQi',
      'OiJCeW8yRkk1Z2RhWnFTLUQyTGRiMG5JSXRxUDlOdi1TekU3OUJFRVZpT2hBIiwiY29tbWl0bWVudCI6IlJzWndIam5RT0R2MVRC',
      'ZUFQVXJGalJFVks2TlhNSUlKRFAwZmFfdEVOVE0iLCJjaGFuZ2UiOnsiam9pbmVkIjpbXSwibGVmdCI6W119LCJ3cmFwcyI6bnVs',
      'bCwiZXBvY2hfa2V5IjpudWxsLCJpYXQiOjE4MDAwMDAwMDB9.rbQfHw2Nmm-VZw6uR97-uJ23Z2I9wJhLIPFicWAVowOQXp1e3US',
      '6tom9PMRRLLEWhAHP3yXfymucM_QcoUjCAA',
    ].join(''),
    boxes: {},
    key: '017890ca5f7faa08bcef7c8a81c16b5793a1a3488ca32f9492d4e5af643b336f',
  },
  {
    token: [
      'eyJhbGciOiJFZDI1NTE5IiwidHlwIjoibWVldGluZy1yZWtleStqd3QiLCJraWQiOiJWbkpMWVB4VGFsbXpBOTlXcXdMMU9VV0Nn',
      'ODVSZWFmdFliVmF4UjVISGpZIn0.eyJ2IjoxLCJpc3MiOiJodHRwczovL2JyaWRnZS5hY21lLmV4YW1wbGUiLCJzdWIiOiJzdWIt',
      'YWxpY2UiLCJncm91cCI6IjFyNDE0UUs2a2hpa19oV21UMkNCTmlYWXcybnN0dzBBUXF4b2lwVTYwNmciLCJ0ZXJtIjoxLCJlcG9j',
      'aCI6MiwicHJldiI6IlcydE5VX2d5bmZRbTlUNWNWMS05NnNUVWdaZjI5NFIwZElONnRURDZvV3ciLCJtZW1iZXJzIjoidkNaZjRt',
      'QjRtWTMtVGpHRF9OTDMyT1FJajBVc3cwMlRPMFZzNmFuaG9hZyIsImxldmVscyI6MiwiY2hhbGxlbmdlIjoiOWMyMS1XVDRmdUNi',
      'OGt1c0V1TVlxMFhuX0gtQURCTGpDYzlBVXhZd3BxayIsImtleV9pZCI6IkpFNE5tLUNBNm1OaXBrM05rUVdHU3JDSUJtbmdvbFNu',
      'RThQUEEzaUpOcFEiLCJjb21taXRtZW50IjoidC0tWXY3MDZYak9xUzdtMW1zV1lpazY4d2kzSHl1Z2lpa3NtUENaOU5FQSIsImNo',
      'YW5nZSI6eyJqb2luZWQiOlt7ImxlYWYiOjAsImlzcyI6Imh0dHBzOi8vYnJpZGdlLmdsb2JleC5leGFtcGxlIiwic3ViIjoic3Vi',
      'LWJvYiIsImRldmljZV9pZCI6IkJ5VTVuSVU3cmtuSFZObWxCdnJKZk1XZ3VEak1SN1NUTUVQR19QNTZKUHMiLCJwbGFjZW1lbnQi',
      'OiJ6MkQzTXBxS1M5QllTNTU0SklxYTFvb0hQZGRpVTFBeVhiY0ppaFF6U21ZIn0seyJsZWFmIjoxLCJpc3MiOiJodHRwczovL2Jy',
      'aWRnZS5nbG9iZXguZXhhbXBsZSIsInN1YiI6InN1Yi1kYXZlIiwiZGV2aWNlX2lkIjoiYmNPWm5OUXRzSW56MkhvNFk3T1I4aWpK',
      'YkdTczFxbU5CWnRQQ2dvQ0xZdyIsInBsYWNlbWVudCI6ImpUSm1LSFpxNTZFR1ZzalZtUTJVN0hkS2RBWndYREdndTc3ZzZpRWVi',
      'UDgifSx7ImxlYWYiOjIsImlzcyI6Imh0dHBzOi8vYnJpZGdlLmdsb2JleC5leGFtcGxlIiwic3ViIjoic3ViLWVyaW4iLCJkZXZp',
      'Y2VfaWQiOiJpM3VpSlkzVlZkZExwLVZTckF0QnY3SFd6a3VoRm9EdFFocFpaLXdDclVRIiwicGxhY2VtZW50IjoiT3BmNU9tLUti',
      'OG1GbkZ2RHI2LW9pN2RpUUM1WmJYRzVLTXo2b20yVEFyNCJ9XSwibGVmdCI6W119LCJ3cmFwcyI6bnVsbCwiZXBvY2hfa2V5Ijoi',
      'RVdxVTBPM0ZPeDlvc1lPcFVTTjBQZmVEbVJEYkVGOS0tNmRmU2t2M1g1ZS1OR2t5WWYxTHB0ZG14cXNyYmdQMyIsImlhdCI6MTgw',
      'MDAwMDAwMH0.nS0BGTyxDwlbtx8OD4Tkh1DwznIVTeSiszhiRLFn8xo2HfWYKi53fzfsrB5aH3Stkx37atSA9so5e7IDgI2XAw',
    ].join(''),
    boxes: {
      bob: [
        'k4ZjPmoTpZz6UHvv0XK3hJkt-ryi_OunUUuG2RKlhylAX6i8PPDtE5dxFhRFLa3qau8IeMD0Jc3PWiVLwHAOSVOG4q8ZynCsN7En',
        'ShOiMWAw9AkBJmqiZegECU9rkjqfVH1Rmy8Z_M799L4S-AA9K4qhVe6skdMbKVqiwmaH8l7ja-lqpptNKT4eruYmE4eV',
      ].join(''),
      dave: [
        '22IAf-XM6d_zN-8OkPYzhY2UXnoq9kbX1autN7yx5j4P3WOEfjVSfFxv5rt_kPCKbp0AKx9Pyj3Pb0Hpiv4LCzd0aqn0u7W9sDq7',
        '6-PVEVxli56WRRwzgwsbhYkkmY2jEnUnqeCONOataHAIgBgW0UwGtEnYkQqO5Azh1BozFLBzKoUmLjZE3uHRQv_a_5-9',
      ].join(''),
      erin: [
        '66PxlHO4exHANwNWC3if3vXoDJFyrtnn2AfA32nllB18Z37MwsCuNcIdXZ3F3poLCwJnxLocIYad6CTHkxQFpV_VrHvKcOjWZ-TU',
        '1TVKmH50Vy2UACaJu6D0SVl3JfTXN8SFoeroP3kvs4IM1YtGmcPBBLCDXeggHPvLegfrABv9NGOpcGuhhKu_27DujnEo',
      ].join(''),
    },
    key: '283979b1cc627f4658fbaecae402fb82d35b6800c4bf700e8327515421da7b74',
  },
  {
    token: [
      'eyJhbGciOiJFZDI1NTE5IiwidHlwIjoibWVldGluZy1yZWtleStqd3QiLCJraWQiOiJWbkpMWVB4VGFsbXpBOTlXcXdMMU9VV0Nn',
      'ODVSZWFmdFliVmF4UjVISGpZIn0.eyJ2IjoxLCJpc3MiOiJodHRwczovL2JyaWRnZS5hY21lLmV4YW1wbGUiLCJzdWIiOiJzdWIt',
      'YWxpY2UiLCJncm91cCI6IjFyNDE0UUs2a2hpa19oV21UMkNCTmlYWXcybnN0dzBBUXF4b2lwVTYwNmciLCJ0ZXJtIjoxLCJlcG9j',
      'aCI6MywicHJldiI6ImNmU2F5X05fWFpOVGQ2RHl6OFBUZjNzdHZXTGJhWG5uZ0hSWUxoUW1lZGMiLCJtZW1iZXJzIjoiTG9SNmZF',
      'bFRTeGJfOGVtU3Q4aEtiejFHVEJ4QzNMZHJmX1htNVI5QUFVNCIsImxldmVscyI6MywiY2hhbGxlbmdlIjoiakVsb2FkeGJ2UVhD',
      'eHhpdXZtTXhOQlNaOGlrVmoybDd2akpzcHpyWjM3YyIsImtleV9pZCI6ImE3SHZ3V2VGbnhOeGE1c3NfMHZpbnI4TjZyLTBXdUtW',
      'M3FYVXNkMUVIZGciLCJjb21taXRtZW50IjoidnMwbFZnMjNHS0l3T3d5YTVNV3hVRDNxUEp4QjRQZjYwZE4xS29ZUWVSTSIsImNo',
      'YW5nZSI6eyJqb2luZWQiOlt7ImxlYWYiOjEsImlzcyI6Imh0dHBzOi8vYnJpZGdlLmdsb2JleC5leGFtcGxlIiwic3ViIjoic3Vi',
      'LWZyYW5rIiwiZGV2aWNlX2lkIjoiX3R1QTdFM3dkWU5rLTZmUWhuUHFUQmE4TmYxLVJQaVE5TjZucGlxXzR2dyIsInBsYWNlbWVu',
      'dCI6ImRvb2EwYm9BajZZZGpDbWtNeTFySEh6aTY1Z1hfQ1EycTFsUGRuaUlwZmsifSx7ImxlYWYiOjMsImlzcyI6Imh0dHBzOi8v',
      'YnJpZGdlLmdsb2JleC5leGFtcGxlIiwic3ViIjoic3ViLWdyYWNlIiwiZGV2aWNlX2lkIjoiQ2lPVmI5NlFsNG5TNkR6N1JaYmlt',
      'U01ZV0xadnladUdXdTkxLS1YbWltayIsInBsYWNlbWVudCI6Im1lTVU2dVdON1BBQVZzdS03ZXdOWjlUbVlBQnVsS25KUWFiV3ow',
      'VURINHMifSx7ImxlYWYiOjQsImlzcyI6Imh0dHBzOi8vYnJpZGdlLmdsb2JleC5leGFtcGxlIiwic3ViIjoic3ViLWhlaWRpIiwi',
      'ZGV2aWNlX2lkIjoiSnZuaWhiSGJ2eFNjWTBuYVNWZ1E1eUlubGZydFhuMERGa3Bkd2FRSkFPdyIsInBsYWNlbWVudCI6InFBOHY4',
      'MnlTcDRLcWJZNGh5UUhuelJDNm5DTGI4b0hRQUpERXM4NGNPdkkifV0sImxlZnQiOlsxXX0sIndyYXBzIjoiQUFBQUFORlhQeHZI',
      'WmVfd1NDXzNJNW5tYTItTGZxOFVRV0wzWmFVM1k0S2d4SS1QdTVIRE8wSkZvQk9LTHJyVnpPX2xYQUVBQUFFN0hjY3pvZnhWeTdu',
      'RzQ0MVV3UWxQZ1RQUFZFSFdDazY0TTlNZktXbU9jV0dvYkhybnlKNU9FUWpKT1lBRHlkcyIsImVwb2NoX2tleSI6IlpMNzkyTnN1',
      'ck9FMzZ3QlpvTzNvVnRjOEVfbnRiVVo4SGsxU2hNc2pZb2ZIcWREcmpzNzNxcmEyZ3FRU2pkbnMiLCJpYXQiOjE4MDAwMDAwMDB9',
      '.HsyKGgwNbwdK1UU7jRKcIvMDftppj0rKpLOJ9NaMXvrPnDbyZSJeZhRRr2ESvVg2l4Zc8D7bSjgAO_C7GceBDA',
    ].join(''),
    boxes: {
      frank: [
        'PvofwavvMZPIZVebc2iaxiJdIZ4AYQzDqbRC0unayDOdwMcP5-B8eAIrtHv-yhaW0wJT05uMubL9Aywi48hKcC0oAiQrCtJlxUzC',
        'Zb-nTwKFBXVWI1Uy4dbr0M9uu5LqmfmBzPlgSwdUVq_6BeSsV1NR1g1-uAEl3sioOFJHrrfd2VXcza0X1QoluMXSGAIdz5jVBO98',
        'Le714BWCMn6Xzg0YyRDEyzevNzOftvHq968',
      ].join(''),
      grace: [
        'glKJ427Nup1Z5r1gvP1Se_o146AsdmiTiVllPKncDx-CMVpu7_3aMH7a-OZ18b8C1WwVjzp2yH1QJbI4dFDA6USBcaLsyNrh9urR',
        'LBfJXlXI1KHsEw8qhmF94roxuq3BccN6nbQvWRBPQ7LYk0nv6ryfp3XAP8hNVe6tvwYjengBEvYhcwRUN0xZSIouzuLUyKMKfpeY',
        'b22GSK5at_CrKqOZG11xYdADhe1mHg6rYnU',
      ].join(''),
      heidi: [
        '_gso9p2gFqo4nMI1PPm73jo0TiAHA_bzIhBmrJRdWyduyf42KAAKQsTnxBrty3OEDCgA1WJ7_HIC30CwimogR8AYRchqYmUKtl5k',
        'x87XpgLgXWNQiwaF6tL7B-7ogVhe60QfnjPhqQtuJcdGbf1r6SqCfiCbV0t6D8F3D0hCDqxCaJarhR53Ex6pW0q4hyYsIMptD1Cc',
        'KFXTn0ll2lC7wnsvX3ceeV6T9k36UA7ObyM',
      ].join(''),
    },
    key: 'b15df6d788a2babedb49dea1c883c935e4efe72905b56280429642c4677eb601',
  },
];
