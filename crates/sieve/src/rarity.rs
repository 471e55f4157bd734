//! How rare pieces of text are in source code: what makes a good thing to look for.

/// The bytes that are told apart, folded as the search folds them (`*` is also the line end, `)` the tab); digits are one
/// class, and so is all that is not here.
const CLASSES: &[u8] = b"abcdefghijklmnopqrstuvwxyz0 \x7F*-./:=\"'(),";
/// The classes of digits and of all other bytes, and how many bits each byte of them is rarer than its class.
const DIGITS: (usize, u32) = (26, 3);
const OTHERS: (usize, u32) = (40, 5);

/// How rare each class is, in bits: minus the binary logarithm of its share, as a hexadecimal digit. Counted, as the table
/// below, over 54 MB of Python, Rust, C, JavaScript, HTML, Markdown and configuration by `benches/rarity.py`.
const ALONE: &[u8; 41] = b"575646765a856556a554687779526577777777765";
/// How rare each class is behind each: a row for the first byte, a column for the second.
#[rustfmt::skip]
const BEHIND: &[&[u8; 41]; 41] = &[
    b"9545975b5b7343d5c34367876a657989b9ca9a988",
    b"476737ab45b38648d5573aac4944799598c767876",
    b"386837b35d448927b563599c7d56688887b988777",
    b"4775277a3aa68948b65668997d534676969775666",
    b"5854657a8c9454866344a7757b735686969876666",
    b"4877447b3ed58539d56659ac8e536784a7c877657",
    b"69882a654eb56558d44659ac99735685669775666",
    b"399929bb3fa77849e6645c9d8c74578797a786776",
    b"6645545d9d845246b633a6e6f5889aa9badbabaa9",
    b"498828bb49799926994a397b9a757796b89969666",
    b"587728784aa79678a747676dac834676959775665",
    b"4885249a3ca49947c955589a5a84678888a787777",
    b"3587299b4fa65843c9574aab9d84588768b877887",
    b"4843364a5c769747c943679c7b93677797a776777",
    b"7654856b69654265c3554658bba4788899ca99a99",
    b"3a8739a75f849945c35449ac5d756887a7a976887",
    b"797789b99de697979748199bba855786c89877653",
    b"4956285a4e776548d544589b5da46797a6a866766",
    b"696929954d777955a742598c6b935685759776666",
    b"496638b34db78946d4555a885a735776979876766",
    b"6456456e5fc45384f333bcd8ea479aabdbdbadbb7",
    b"2979198a3ed87958c989aba8ba46788897c978787",
    b"378749a32b778539b448ba7abc855787a7a685886",
    b"554645b66fd77784ca73aaa68a245767878877666",
    b"787968696ca55553c644a969a9724566858765656",
    b"567619b95fc87959b82a99cb7767789898b779996",
    b"666666cc9dcbbbcbdcbb9dd4dc13667595d778534",
    b"676676885b977767b6557879a951887a896667ae5",
    b"454445664975555495345569a95749e9eaea87888",
    b"897797b97ca98896e878899bca8192795cb9aa6b4",
    b"665566776985676675567779a733b72acd8a9aad2",
    b"5645555657865665a54567689a3443a59da68b896",
    b"7656775879a67885c5678878b853a3c91cb88b996",
    b"875776897cb77686c767888bba72a2ab53b98abe5",
    b"999997ba9dc996a9d877bbbddc60a8adbd3679bd5",
    b"565666766a876776a6567868a865838685a388434",
    b"6766767769975776a65577789974748785a877422",
    b"564565855a866665b5356677a749659acbc4463c4",
    b"aa99aacd9ffaabbafa8baabcfb73b2a594b776333",
    b"edccbdffcffeadeefebdedfedf41f2bcfffb8d8f9",
    b"776678987a987787b7665887ba529287977645662",
];

/// How rare `bytes`, folded, are in source code, in bits: one more is half as common.
#[must_use]
pub fn rarity(bytes: &[u8]) -> u32 {
    let classes = bytes.iter().map(|&byte| class(byte));
    let first = classes.clone().next().map_or(0, |(class, extra)| digit(ALONE[class]) + extra);
    let pairs = classes.clone().zip(classes.skip(1));
    first + pairs.map(|((before, _), (class, extra))| digit(BEHIND[before][class]) + extra).sum::<u32>()
}

/// The byte's class, and how many bits it is rarer than that.
fn class(byte: u8) -> (usize, u32) {
    match byte | 0x20 {
        b'0'..=b'9' => DIGITS,
        folded => CLASSES.iter().position(|&known| known == folded).map_or(OTHERS, |class| (class, 0)),
    }
}

fn digit(hexadecimal: u8) -> u32 {
    char::from(hexadecimal).to_digit(16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_code_is_full_of_is_common() {
        for (common, rare) in
            [("ion", "xq_"), ("ing ", "ghp_"), ("self", "sk0a"), (" the", "://x"), ("e", "z")]
        {
            assert!(rarity(common.as_bytes()) < rarity(rare.as_bytes()), "{common} {rare}");
        }
    }
}
